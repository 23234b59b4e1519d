export interface Served {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}
export function serve(options?: { port?: number; outDir?: string }): Promise<Served>;
