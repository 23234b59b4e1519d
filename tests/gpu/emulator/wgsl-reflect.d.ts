/** The file that loads under Node; the package declares types only for its main entry, which does not. */
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  export { WgslParser } from 'wgsl_reflect';
}
