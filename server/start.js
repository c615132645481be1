import '../require-node.js';

// Not a static import: that would be parsed, and fail, before the line above could speak.
import('./main.ts').catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 70; // EXIT_CODES.crashed: a file of the program itself does not load
});
