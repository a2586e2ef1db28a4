import { z } from 'zod';
import type { Page } from '../core/page';

export const pageShape = {
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string('may be given once').min(1).max(512).optional(),
};

export const pageQuery = z.strictObject(pageShape);

export const tenantPageQuery = z.strictObject({
  ...pageShape,
  tenant: z.string('may be given once').min(1).max(512).optional(),
});

/** As a path holds it, decoded. */
export const idParams = z.strictObject({ id: z.string().min(1).max(512) });

export const tenantParams = z.strictObject({ tenant: z.string().min(1).max(512) });

export function pageReply<View>({ data, nextCursor }: Page<View>): { data: View[]; nextCursor: string | null } {
  return { data, nextCursor: nextCursor ?? null };
}
