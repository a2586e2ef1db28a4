import { z } from 'zod';

/** A pattern over model ids, where `*` stands for any run of characters: `anthropic/*`, `auto`, `*`. */
export const modelGlobSchema = z
  .string()
  .regex(/^[\w.:/~*-]+$/, 'must be a model id or a pattern such as anthropic/*')
  .refine((glob) => !glob.includes('**'), 'must not repeat *');
