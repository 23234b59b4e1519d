/** Addresses of the files that come with the build. */

/**
 * The starter's files are called the same in every build, and a browser may hold those of an older one (its own cache,
 * or scripts/service-worker.js): a digest of what they contain tells them apart. Servers of files ignore it.
 */
export function ofThisBuild(url: string): string {
  const digest = import.meta.env.STARTER;
  return digest ? `${url}?${digest}` : url;
}
