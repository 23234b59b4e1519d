/** Stands for Node's `module` in the browser, where nobody asks for it. */
export const createRequire = (): never => {
  throw new Error('There is no Node here.');
};
