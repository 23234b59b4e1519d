/** A WGSL file is imported as its text; src/gpu/template.ts expands its directives. */
declare module '*.wgsl' {
  const source: string;
  export default source;
}
/** A Python file is imported as its text: a part of what a job is made of (src/jobs). */
declare module '*.py' {
  const source: string;
  export default source;
}
