/** All that `run` may come to load, so that the compile cache has it (lean.js). */
import './main.ts';
import './open-secret.ts';
import './token-keys.ts';
