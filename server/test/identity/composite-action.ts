import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { run, type Ran } from '../est/est-server.ts';

const text = z.coerce.string();
/** What a composite action may say, as far as ours does; strict, so that what this runner cannot do fails the test. */
const metadata = z.strictObject({
  name: text,
  description: text,
  author: text,
  branding: z.unknown(),
  inputs: z.record(
    text,
    z.strictObject({ description: text, required: z.boolean().default(false), default: text.optional() }),
  ),
  outputs: z.record(text, z.strictObject({ description: text, value: text })),
  runs: z.strictObject({
    using: z.literal('composite'),
    steps: z.array(z.strictObject({ id: text, shell: z.literal('sh'), env: z.record(text, text), run: text })),
  }),
});

/** What one use of the action comes to. `env` and `path` are what later steps of the job have more. */
export type Used = Ran & {
  readonly outputs: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
};

export type Job = {
  /** GITHUB_WORKSPACE: where the steps run. */
  readonly workspace: string;
  /** Of the job: what the runner hands to every step. */
  readonly env?: Readonly<Record<string, string>>;
};

/** The programs of the machine without those of this repository, which npm has put before them. */
export const foreignPath = (): string =>
  (process.env['PATH'] ?? '')
    .split(':')
    .filter((folder) => !folder.endsWith('node_modules/.bin'))
    .join(':');

/**
 * Runs a composite action as GitHub's runner does, step by step: the inputs with their defaults, the expressions in `env`
 * and `outputs`, each step a file for its shell, and the files by which a step tells the job something.
 */
export async function runAction(file: string, inputs: Readonly<Record<string, string>>, job: Job): Promise<Used> {
  const action = metadata.parse(parse(readFileSync(file, 'utf8')));
  const unknown = Object.keys(inputs).filter((name) => !(name in action.inputs));
  assert.deepEqual(unknown, [], 'no such input');
  const missing = Object.entries(action.inputs).filter(([name, { required }]) => required && !(name in inputs));
  assert.deepEqual(missing, [], 'required');
  const context: Record<string, string> = {};
  for (const [name, { default: usual = '' }] of Object.entries(action.inputs)) {
    context[`inputs.${name}`] = inputs[name] ?? usual;
  }

  const temp = mkdtempSync(join(job.workspace, '.runner-'));
  const env: Record<string, string> = {};
  let last: Ran = { code: 0, out: '', err: '' };
  for (const step of action.runs.steps) {
    const values = Object.entries(step.env).map(([name, value]) => [name, resolved(value, context)]);
    const folder = join(temp, step.id);
    const github = { GITHUB_ACTIONS: 'true', GITHUB_ACTION_PATH: dirname(file), GITHUB_WORKSPACE: job.workspace };
    const given = { ...github, RUNNER_TEMP: join(temp, 'temp'), ...job.env, ...env, ...Object.fromEntries(values) };
    last = await runStep(step.run, folder, given);
    Object.assign(env, commandsIn(join(folder, 'env')));
    for (const [name, value] of Object.entries(commandsIn(join(folder, 'output')))) {
      context[`steps.${step.id}.outputs.${name}`] = value;
    }
    if (last.code !== 0) break;
  }
  const outputs = Object.entries(action.outputs).map(([name, { value }]) => [name, resolved(value, context)]);
  return { ...last, outputs: Object.fromEntries(outputs), env };
}

type Given = { readonly RUNNER_TEMP: string; readonly GITHUB_WORKSPACE: string };

/** One step, with nothing of this process, and with the files by which it speaks. */
function runStep(script: string, folder: string, given: Given): Promise<Ran> {
  mkdirSync(folder);
  mkdirSync(given.RUNNER_TEMP, { recursive: true });
  writeFileSync(join(folder, 'step.sh'), script);
  const files = ['env', 'output', 'path'].map((name) => {
    writeFileSync(join(folder, name), '');
    return [`GITHUB_${name.toUpperCase()}`, join(folder, name)];
  });
  const env = Object.entries({ PATH: foreignPath(), ...given, ...Object.fromEntries(files) });
  // `shell: sh` is `sh -e FILE` there, in the folder of the job.
  const shell = ['sh', '-c', 'cd "$GITHUB_WORKSPACE" && exec sh -e "$1"', 'sh', join(folder, 'step.sh')];
  return run('env', ['-i', ...env.map(([name, value]) => `${name}=${String(value)}`), ...shell]);
}

/** Names only: an action that computes in its expressions needs a better runner than this, and says so by failing. */
function resolved(value: string, context: Readonly<Record<string, string>>): string {
  return value.replaceAll(/\$\{\{ (.*?) \}\}/g, (_, expression: string) => {
    const isName = /^(?:inputs\.[\w-]+|steps\.[\w-]+\.outputs\.[\w-]+)$/.test(expression);
    assert.ok(isName, `this runner knows no ${expression}`);
    // An input that is not declared, or an output that was not set, is the empty text there.
    return context[expression] ?? '';
  });
}

/** `name=value` a line, or `name<<END`, lines, `END`; anything else fails the step there. */
function commandsIn(file: string): Record<string, string> {
  const found: Record<string, string> = {};
  const lines = readFileSync(file, 'utf8').split('\n');
  assert.equal(lines.pop(), '', 'the last line ends');
  while (lines.length > 0) {
    const line = lines.shift() ?? '';
    const [, name = '', sign, rest = ''] = /^(\w[\w-]*)(=|<<)(.*)$/.exec(line) ?? [];
    assert.notEqual(name, '', `the runner refuses "${line}"`);
    if (sign === '=') found[name] = rest;
    else
      found[name] = lines
        .splice(0, lines.indexOf(rest) + 1)
        .slice(0, -1)
        .join('\n');
  }
  return found;
}
