// Plain JavaScript of 2018 on purpose, and free of imports: a Node that is too old must get as far as reading this file
// and saying what to do, instead of dying on the first modern line. An entry point imports it first and the real program
// by dynamic import after it: a static one would be parsed, and fail, before anything here could speak.
const OLDEST = [24, 11];

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(
    `licet needs Node ${OLDEST.join('.')} or newer and this is Node ${process.versions.node}: ` +
      `use the npm scripts (npm start, npm run licet), which bring their own, or install Node ${OLDEST[0]}.\n`,
  );
  process.exit(69); // EX_UNAVAILABLE: docs/configuration.md, docs/cli.md
}
