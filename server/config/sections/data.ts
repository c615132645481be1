import { z } from 'zod';
import { filePath } from '../fields.ts';

export const dataSection = z
  .strictObject({
    folder: filePath()
      .default('.licet/data')
      .describe('The folder that the server owns: the embedded database lives there. One process at a time.'),
    cacheMb: z.int().min(1).max(4096).default(16).describe('The page cache of the embedded database.'),
  })
  .prefault({})
  .describe('Where the server keeps what it stores itself.');
