import { z } from 'zod';

/**
 * What the schema says of a key beyond its type. `secret`: never shown, and may also be given as a file (`urlFile`,
 * `LICET_DATABASE_URL_FILE`). `path`: a relative one starts at the folder of the configuration file that names it, or
 * else at the working directory. `allowed`: what may stand there, in words, where the type alone does not tell.
 */
export type FieldNotes = {
  readonly description?: string;
  readonly secret?: boolean;
  readonly path?: boolean;
  readonly allowed?: string;
};

export const filePath = () => z.string().min(1).meta({ path: true, allowed: 'the path of a file or folder' });

export const port = () => z.int().min(0).max(65_535);

export const seconds = (least: number, most: number) => z.number().min(least).max(most);
