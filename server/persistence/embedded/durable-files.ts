import fs from 'node:fs';

import { NodeFS } from '@electric-sql/pglite/nodefs';

type Stream = { nfd: number };
type Node = { name: string };

/** The part of emscripten's NODEFS that we replace. */
type NodeFileSystem = {
  realPath(node: Node): string;
  tryFSOperation<T>(operation: () => T): T;
  node_ops: { rename(node: Node, newFolder: Node, newName: string): void };
  stream_ops: { fsync?(stream: Stream): number };
};

type Init = NodeFS['init'];

/**
 * PGlite's view of a folder, made as durable as PostgreSQL takes every file system to be. PGlite 0.5.14 has no fsync at
 * all (a commit is lost with the page cache) and would unlink the target of a rename first (a crash between the two
 * loses both). docs/decisions/0002-embedded-database.md says when this can go.
 */
export class DurableFiles extends NodeFS {
  override async init(...[pg, options]: Parameters<Init>): ReturnType<Init> {
    const amended = await super.init(pg, {
      ...options,
      preRun: [
        ...(options.preRun ?? []),
        (mod) => {
          makeDurable((mod.FS as unknown as { filesystems: { NODEFS: NodeFileSystem } }).filesystems.NODEFS);
        },
      ],
    });
    return amended;
  }
}

function makeDurable(files: NodeFileSystem): void {
  // Data and length of a file; for a folder, whose descriptor NODEFS opens like any other, its entries.
  files.stream_ops.fsync = (stream) => {
    files.tryFSOperation(() => fs.fdatasyncSync(stream.nfd));
    return 0;
  };
  files.node_ops.rename = (node, newFolder, newName) => {
    const target = `${files.realPath(newFolder)}/${newName}`;
    files.tryFSOperation(() => fs.renameSync(files.realPath(node), target));
    node.name = newName;
  };
}

/** Everything below a folder, and the folder itself, on the disk for good. */
export function syncTree(folder: string): void {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) syncTree(path);
    else if (entry.isFile()) syncPath(path);
  }
  syncPath(folder);
}

export function syncPath(path: string): void {
  const descriptor = fs.openSync(path, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}
