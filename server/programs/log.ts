const warn = (_fields: object, message: string): void => void process.stderr.write(`licet: ${message}\n`);

/** Of a program that somebody has started by hand: what goes well is said by its result. */
export const log = { info: () => undefined, warn, error: warn };
