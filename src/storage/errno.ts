/** System errors by their code. */
export const isErrno = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));

/** For `catch`: lets these errors pass as undefined. */
export const ifErrno =
  (...codes: readonly string[]) =>
  (error: unknown): undefined => {
    if (!isErrno(error, ...codes)) throw error;
  };
