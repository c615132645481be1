// Plain JavaScript on purpose: this must run on any Node, however old, to be able to say what is wrong with it.
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < 24 || (major === 24 && minor < 11)) {
  console.error(
    'Licet needs Node 24.11 or newer and this is ' +
      process.versions.node +
      ': run it through npm (for example `npm start` or `npm run licet -- help`), which brings its own Node, or install Node 24.',
  );
  process.exit(69);
}
