/** `operations`: the port. */
export const readyAddress = ({ operations }: { readonly operations: number }): string =>
  `http://127.0.0.1:${operations}/readyz`;

/** Whether it answers, and with yes. */
export async function isReady(address: string): Promise<boolean> {
  try {
    const answer = await fetch(address);
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}
