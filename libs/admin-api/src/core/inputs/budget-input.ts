import { budgetSchema } from '@switchboard/platform';
import type { z } from 'zod';

export const budgetInput = budgetSchema;

export type BudgetInput = z.infer<typeof budgetInput>;
