import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Document, LineCounter } from 'yaml';
import type { Given, Problem, Source } from './sources.ts';

/** The values of a `licet.yaml`, each with its line. A file that was asked for and cannot be read is a problem. */
export async function fromFile(file: string, wanted: boolean): Promise<Source> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !wanted) return { given: [], problems: [] };
    return failed(file, `cannot be read (${code}); name an existing file, or leave --config and LICET_CONFIG away`);
  }
  // Loaded here and not above: without a file a start need not pay for the parser.
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const label = basename(file);
  if (document.errors.length > 0) {
    const problems = document.errors.map((error): Problem => {
      const { line } = lines.linePos(error.pos[0]);
      return { path: label, origin: `${label}:${line}`, message: `is not YAML: ${error.message}` };
    });
    return { given: [], problems };
  }
  const root: unknown = document.toJS();
  if (root === null || root === undefined) return { given: [], problems: [] };
  if (!isMapping(root)) return failed(file, 'must hold a mapping of sections, such as "http:"');
  const given: Given[] = [];
  collect(root, [], (path, value) => {
    given.push({ path: path.join('.'), value, origin: originOf(document, lines, path, label), base: dirname(file) });
  });
  return { given, problems: [] };
}

const failed = (file: string, message: string): Source => ({
  given: [],
  problems: [{ path: file, origin: 'file', message }],
});

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Mappings are walked; everything else, an empty mapping too, is a value. */
function collect(node: Record<string, unknown>, path: string[], found: (path: string[], value: unknown) => void): void {
  for (const [name, value] of Object.entries(node)) {
    const here = [...path, name];
    if (isMapping(value) && Object.keys(value).length > 0) collect(value, here, found);
    else if (value !== null) found(here, value); // `http:` with nothing below it sets nothing
  }
}

function originOf(document: Document, lines: LineCounter, path: string[], label: string): string {
  const node = document.getIn(path, true) as { range?: readonly [number, number, number] } | undefined;
  return node?.range === undefined ? label : `${label}:${lines.linePos(node.range[0]).line}`;
}
