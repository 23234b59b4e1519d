/** Node's short word for what the file system had against it, e.g. ENOENT. */
export const systemCode = (error: unknown): string | null => {
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  return typeof code === 'string' && syscall !== undefined ? code : null;
};
