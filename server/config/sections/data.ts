import { z } from 'zod';
import { filePath } from '../fields.ts';

export const dataSection = z
  .strictObject({
    folder: filePath()
      .default('.licet/data')
      .describe('The folder that the server owns: the embedded database lives there. One process at a time.'),
  })
  .prefault({})
  .describe('Where the server keeps what it stores itself.');
