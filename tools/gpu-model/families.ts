/**
 * What the model of time takes of a card, by the name that Mesa gives its chip. Per compute unit (CU) and clock where
 * nothing else is said. One SIMD has 32 lanes; a CU has two.
 *
 * Sources: AMD, "RDNA3" and "RDNA4 Instruction Set Architecture Reference Guide" (dual issue, wave sizes, workgroup
 * memory), AMD's product pages (units, clocks, memory bandwidth), "How to accelerate AI applications on RDNA 3 using
 * WMMA" (GPUOpen: a 16×16×16 product takes 32 clocks of a SIMD). Latencies are rounded from public measurements
 * (Chips and Cheese, RDNA 3 and RDNA 4): they say how many waves are needed, not how fast the card is.
 */
export interface Family {
  readonly card: string;
  readonly units: number;
  readonly ghz: number;
  /** SIMDs of a unit, each with 32 lanes. */
  readonly simds: number;
  /** A wave of 64 does its multiply-adds in one clock, and two instructions of a wave of 32 can go together. */
  readonly dual: boolean;
  /** Clocks in which a SIMD does one 16 × 16 × 16 product of halves; 0: it has none. */
  readonly matrixClocks: number;
  /** Workgroup memory, bytes a clock and unit. */
  readonly sharedBytes: number;
  /** First cache, bytes a clock and unit. */
  readonly cacheBytes: number;
  /** Bytes a second. */
  readonly memoryBytes: number;
  /** Clocks until a load has arrived. */
  readonly latency: { readonly memory: number; readonly shared: number; readonly scalar: number };
}

const LATENCY = { memory: 500, shared: 60, scalar: 100 } as const;

export const FAMILIES: Readonly<Record<string, Family>> = {
  navi31: {
    card: 'RX 7900 XTX (RDNA3)',
    units: 96,
    ghz: 2.5,
    simds: 2,
    dual: true,
    matrixClocks: 32,
    sharedBytes: 128,
    cacheBytes: 64,
    memoryBytes: 960e9,
    latency: LATENCY,
  },
  navi33: {
    card: 'RX 7600 (RDNA3)',
    units: 32,
    ghz: 2.66,
    simds: 2,
    dual: true,
    matrixClocks: 32,
    sharedBytes: 128,
    cacheBytes: 64,
    memoryBytes: 288e9,
    latency: LATENCY,
  },
  gfx1103_r1: {
    card: 'Radeon 780M (RDNA3, in a laptop)',
    units: 12,
    ghz: 2.7,
    simds: 2,
    dual: true,
    matrixClocks: 32,
    sharedBytes: 128,
    cacheBytes: 64,
    memoryBytes: 90e9,
    latency: LATENCY,
  },
  gfx1200: {
    card: 'RX 9060 XT (RDNA4)',
    units: 32,
    ghz: 3.13,
    simds: 2,
    dual: true,
    matrixClocks: 16,
    sharedBytes: 128,
    cacheBytes: 64,
    memoryBytes: 320e9,
    latency: LATENCY,
  },
  navi21: {
    card: 'RX 6900 XT (RDNA2)',
    units: 80,
    ghz: 2.25,
    simds: 2,
    dual: false,
    matrixClocks: 0,
    sharedBytes: 128,
    cacheBytes: 64,
    memoryBytes: 512e9,
    latency: LATENCY,
  },
};

/** f32 multiply-adds a second, as the maker counts them. */
export const peak = ({ units, ghz, simds, dual }: Family): number => units * ghz * 1e9 * simds * 32 * (dual ? 2 : 1);
