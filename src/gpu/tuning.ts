/**
 * Tuning profiles: for every hot kernel which of its variants an adapter runs, and with which tiles. A profile is a
 * bundle, because what an adapter is bad at (barriers, loads, talk between lanes) is the same in all kernels.
 *
 *   software   no barriers, no workgroup memory; lanes load for each other. For adapters that are a processor.
 *   registers  no tiles in workgroup memory: each invocation loads its own tile of the sum, and leans on the caches.
 *   shared     tiles are staged in workgroup memory; what most GPUs want.
 *   matrix     `shared`, with large products by subgroup matrices, for adapters that list a configuration we can use.
 *
 * Here are the numbers; who reads them: ops/matmul.ts, ops/attention-tiles.ts, ops/log-probs.ts, ops/sample.ts. A short
 * trial (ops/trial.ts) or the user chooses.
 */
export const PROFILES = ['software', 'registers', 'shared', 'matrix'] as const;
export type Profile = (typeof PROFILES)[number];

export const isProfile = (name: unknown): name is Profile => PROFILES.includes(name as Profile);

/** A product of subgroup matrices as an adapter offers it: [M, K] · [K, N] added to [M, N] sums in f32. */
export interface MatrixConfig {
  /** Of the factors. Halves are for x·wᵀ alone: they hold activations and weights, but not gradients. */
  readonly component: 'f32' | 'f16';
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** What of an adapter decides its profiles. */
export interface TuningFacts {
  /** A CPU pretending. */
  readonly software: boolean;
  /** Lanes of a subgroup where the adapter has one fixed size, else 0. */
  readonly subgroupSize: number;
  /** Null where the adapter has no subgroup matrices that we can use. */
  readonly matrix: MatrixConfig | null;
}

/** Products whose tiles an invocation holds in registers: at most `rows` × 4 sums, 8 × 8 from 8 rows on. */
export interface TiledProducts {
  /** `registers`: 8 × 8 invocations that load for themselves; `tiled`: 16 × 16 that stage tiles together. */
  readonly kernel: 'registers' | 'tiled';
  readonly rows: number;
  /** Workgroups there should be at least; below, tiles shrink and long sums are split. */
  readonly busy: number;
  /** Rows of x up to which x·wᵀ goes to few-rows.wgsl, which reads weights once for all of them. */
  readonly few: number;
  /** Results of at least `least` rows and columns go to matrix.wgsl. */
  readonly matrices?: { readonly config: MatrixConfig; readonly least: number };
}

/** Products x·w, by the kernel of shaders/matmul. */
export type ProductTuning =
  /** A subgroup takes 16 × 16 sums, or 12 × 16 with four lanes, which load for each other. */
  { readonly kernel: 'subgroup' } | TiledProducts;

export interface AttentionTuning {
  /** Of shaders/attention. */
  readonly kernel: 'software' | 'wide' | 'staged';
  /** Queries × heads of a tile, at most. */
  readonly rows: number;
  /** Keys of a tile in the key gradient. */
  readonly keys: number;
  /** Workgroups there should be at least: below, the key gradient divides the heads of a group, and decoding the keys of a row. */
  readonly busy: number;
}

export interface Tuning {
  readonly products: ProductTuning;
  readonly attention: AttentionTuning;
  /**
   * Invocations that go through a long row of logits together (the head's statistics and gradient, sampling) and meet
   * in workgroup memory; 0: as many as a subgroup has lanes, which meet in registers.
   */
  readonly rowInvocations: number;
}

/** Lanes that load for each other; with more of them, sums outgrow what 16 × 16 holds. */
const loadsForEachOther = (lanes: number): boolean => lanes > 0 && lanes <= 16;

const SHARED = {
  products: { kernel: 'tiled', rows: 8, busy: 128, few: 8 },
  attention: { kernel: 'staged', rows: 64, keys: 64, busy: 512 },
  rowInvocations: 256,
} as const satisfies Tuning;

const TUNINGS: Readonly<Record<Profile, (facts: TuningFacts) => Tuning>> = {
  software: ({ subgroupSize }) => ({
    products: loadsForEachOther(subgroupSize)
      ? { kernel: 'subgroup' }
      : { kernel: 'registers', rows: 4, busy: 1, few: 0 },
    attention:
      subgroupSize === 4 || subgroupSize === 8
        ? { kernel: 'software', rows: 8, keys: 8, busy: 1 }
        : { kernel: 'wide', rows: 4, keys: 4, busy: 1 },
    rowInvocations: 0,
  }),
  registers: () => ({
    products: { kernel: 'registers', rows: 4, busy: 512, few: 8 },
    attention: { kernel: 'wide', rows: 4, keys: 4, busy: 512 },
    rowInvocations: 256,
  }),
  shared: () => SHARED,
  matrix: ({ matrix }) => ({
    ...SHARED,
    products: { ...SHARED.products, ...(matrix && { matrices: { config: matrix, least: 64 } }) },
  }),
};

export const tuningOf = (gpu: TuningFacts & { readonly profile: Profile }): Tuning => TUNINGS[gpu.profile](gpu);

/** Profiles that run on this adapter, whether or not they are any good there. */
export const supportedProfiles = ({ matrix }: Pick<TuningFacts, 'matrix'>): Profile[] =>
  PROFILES.filter((profile) => profile !== 'matrix' || matrix !== null);

/**
 * Profiles that may win there. On a software adapter only one can: barriers, and loads that each lane does for itself,
 * cost it more than they save (docs/kernels.md). So there is nothing to try.
 */
export const candidateProfiles = (facts: TuningFacts): Profile[] =>
  facts.software ? ['software'] : supportedProfiles(facts).filter((profile) => profile !== 'software');

/** What an adapter gets that has not been tried. */
export const usualProfile = ({ software }: Pick<TuningFacts, 'software'>): Profile =>
  software ? 'software' : 'shared';

/** As `GPUAdapterInfo` lists them where the adapter has subgroup matrices; not yet in the type packages. */
export interface ListedMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** The configuration that matrix.wgsl takes, f32 before f16 and large before small; null if none is listed. */
export function chooseMatrixConfig(listed: readonly ListedMatrixConfig[], f16: boolean): MatrixConfig | null {
  const usable = listed.flatMap(({ componentType: component, resultComponentType, M, N, K }) =>
    (component === 'f32' || (component === 'f16' && f16)) &&
    resultComponentType === 'f32' &&
    32 % M === 0 &&
    32 % N === 0 &&
    16 % K === 0
      ? [{ component, M, N, K } as const]
      : [],
  );
  const worth = ({ component, M, N, K }: MatrixConfig) => (component === 'f32' ? 1e6 : 0) + M * N * K;
  return usable.toSorted((a, b) => worth(b) - worth(a))[0] ?? null;
}
