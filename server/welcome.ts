/** For the person who typed `npm start`: where it is, and what to paste next. */
export function welcome(places: {
  readonly address: string;
  readonly operations: string;
  readonly data: string;
}): string {
  const { address, operations, data } = places;
  return `
  Licet is ready.

    serves       ${address}
    operations   ${operations}   (keep it private)
    data         ${data}

  Try it, in another terminal:

    curl ${operations}/livez
    curl ${operations}/readyz
    curl -i ${address}/

  Every setting: docs/configuration.md        End with Ctrl-C
\n`;
}
