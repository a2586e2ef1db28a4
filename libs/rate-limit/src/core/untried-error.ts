/** The store was not asked, or refused: nothing can have come of it, and nothing has to be taken back. */
export class UntriedError extends Error {
  override readonly name: string = 'UntriedError';
}
