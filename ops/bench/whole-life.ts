import { AgentInTime } from './agent-in-time.ts';

/** A program for faketime: a site enrols and renews, with an authority that lives at the same time. Prints what it saw. */
const agent = await AgentInTime.open();
try {
  await agent.enrol();
  const states = [(await agent.status()).state, await agent.renew(), (await agent.status()).state];
  process.stdout.write(`${states.join(' ')}\n`);
} finally {
  await agent.close();
}
