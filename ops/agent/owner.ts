import { statSync } from 'node:fs';

/**
 * Root works in the folder of somebody else as that one: what it makes there the agent can read afterwards, and no link
 * that lies there leads root anywhere. Returns the way back.
 */
export function actAsOwnerOf(folder: string): () => void {
  const owner = process.geteuid?.() === 0 ? statSync(folder, { throwIfNoEntry: false }) : undefined;
  if (owner === undefined || owner.uid === 0) return () => undefined;
  const group = process.getegid!();
  const back = (): void => {
    process.seteuid!(0);
    process.setegid!(group);
  };
  try {
    process.setegid!(owner.gid);
    process.seteuid!(owner.uid);
  } catch {
    // In a user namespace the owner may be somebody who does not exist there, and root is no more than anybody.
    back();
  }
  return back;
}
