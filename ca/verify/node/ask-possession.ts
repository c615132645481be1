import { randomBytes } from 'node:crypto';
import { FormatError, fromBase64 } from '@licet/format';
import type { Possession } from '../possession.ts';
import { agentSocket, surroundings } from './places.ts';
import { callAgent } from './read.ts';
import { AGENT_TIMEOUT_MS, type SearchOptions } from './sources.ts';

/**
 * Asks the agent of this machine for the proof that the key of its license is here: a product may not read that key, and
 * a key in a token nobody can. Undefined: there is no agent, or it cannot sign now.
 */
export async function askPossession(
  options: Pick<SearchOptions, 'agentSocket' | 'agentTimeoutMs' | 'surroundings'> = {},
): Promise<Possession | undefined> {
  const challenge = new Uint8Array(randomBytes(32));
  const call = {
    socketPath: options.agentSocket ?? agentSocket(options.surroundings ?? surroundings()),
    method: 'POST',
    path: '/v1/possession',
    body: JSON.stringify({ challenge: Buffer.from(challenge).toString('base64') }),
  };
  const answer = await callAgent(call, options.agentTimeoutMs ?? AGENT_TIMEOUT_MS);
  if (answer.kind !== 'answer' || answer.status !== 200) return undefined;
  const signature = signatureIn(answer.body);
  return signature && { challenge, signature };
}

function signatureIn(body: string): Uint8Array | undefined {
  try {
    const { signature } = Object(JSON.parse(body)) as { signature?: unknown };
    return typeof signature === 'string' ? fromBase64(signature) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof FormatError) return undefined;
    throw error;
  }
}
