/**
 * The one GPU device of a session: what it is, what it can do, and its queue. Knows nothing of learning.
 */
import { GroundworkError } from '../base/error.ts';
import { chooseMatrixConfig, usualProfile, type ListedMatrixConfig, type Profile, type TuningFacts } from './tuning.ts';

export interface GpuFeatures {
  readonly f16: boolean;
  readonly subgroups: boolean;
  readonly timestamps: boolean;
}

export interface Gpu extends TuningFacts {
  readonly device: GPUDevice;
  readonly name: string;
  readonly vendor: string;
  /** Tells adapters apart, and what is used of them: what was measured on one is not asked of another. */
  readonly identity: string;
  /** How kernels are tuned; the usual one for such an adapter unless a trial or the user chose another. */
  readonly profile: Profile;
  readonly features: GpuFeatures;
  readonly limits: GPUSupportedLimits;
  /** The driver compiles a kernel when it is first dispatched, not when its pipeline is made (lavapipe). */
  readonly compilesLate: boolean;
  /** Another device like this one, for compiling at the same time; undefined where there is none to be had. */
  spare?(): Promise<GPUDevice | undefined>;
  /** Settles when the device is lost, with the browser's reason. */
  readonly lost: Promise<GPUDeviceLostInfo>;
  destroy(): void;
}

export interface GpuOptions {
  /** Refuse optional features, to test that every path works without them. */
  readonly without?: readonly ('shader-f16' | 'subgroups' | 'timestamp-query')[];
  readonly onError?: (message: string) => void;
}

const OPTIONAL: readonly GPUFeatureName[] = ['shader-f16', 'subgroups', 'timestamp-query'];

/** Behind a switch of the browser, and not yet in the type packages. */
const SUBGROUP_MATRIX = 'chromium-experimental-subgroup-matrix' as GPUFeatureName;

/** Workgroup memory of matrix.wgsl at most, bytes. */
const MATRIX_MEMORY = 24 * 1024;

/** Limits asked for at the adapter's own value; the rest stay at WebGPU's defaults. */
const RAISED = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;

/**
 * Opens the device of `gpu` (`navigator.gpu`, or Dawn's under Node).
 * @throws GroundworkError `no-webgpu` or `no-adapter`, with what the user can do
 */
export async function openGpu(gpu: GPU | undefined, options: GpuOptions = {}): Promise<Gpu> {
  if (!gpu) {
    throw new GroundworkError(
      'no-webgpu',
      'This browser does not offer WebGPU.',
      'Use Chrome or Edge 134 or newer on a desktop. On Linux, start it with --enable-unsafe-webgpu --enable-features=Vulkan. The page must be served over https or from localhost.',
    );
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new GroundworkError(
      'no-adapter',
      'This browser has WebGPU, but it found no graphics adapter.',
      'Open chrome://gpu and look for "WebGPU". The usual reasons are a blocked driver, a remote desktop or a virtual machine without a GPU. Updating the graphics driver usually helps.',
    );
  }
  const refused = new Set<string>(options.without);
  const features = OPTIONAL.filter((f) => adapter.features.has(f) && !refused.has(f));
  const matrix = matrixConfig(adapter, features);
  if (matrix) features.push(SUBGROUP_MATRIX);
  const requiredLimits = Object.fromEntries(RAISED.map((key) => [key, adapter.limits[key]]));
  const descriptor = { label: 'groundwork', requiredFeatures: features, requiredLimits };
  const device = await adapter.requestDevice(descriptor);
  device.addEventListener('uncapturederror', (event) =>
    options.onError?.((event as GPUUncapturedErrorEvent).error.message),
  );

  const info = adapter.info;
  const has = (f: GPUFeatureName) => features.includes(f);
  const name = info.description || info.device || info.architecture || info.vendor || 'unnamed adapter';
  const software =
    info.isFallbackAdapter ||
    /llvmpipe|lavapipe|swiftshader|basic render|WARP/i.test(`${name} ${info.architecture} ${info.device}`);
  return {
    device,
    name,
    vendor: info.vendor,
    identity: [info.vendor, info.architecture, info.device, info.description, ...features].join(' · '),
    software,
    profile: usualProfile({ software }),
    matrix,
    features: { f16: has('shader-f16'), subgroups: has('subgroups'), timestamps: has('timestamp-query') },
    subgroupSize: fixedSubgroupSize(info, features),
    limits: device.limits,
    compilesLate: /llvmpipe|lavapipe/i.test(name),
    spare: async () => (await gpu.requestAdapter())?.requestDevice(descriptor),
    lost: device.lost,
    destroy: () => device.destroy(),
  };
}

const fixedSubgroupSize = (
  { subgroupMinSize: min, subgroupMaxSize: max }: GPUAdapterInfo,
  features: readonly GPUFeatureName[],
): number => (features.includes('subgroups') && min === max && min >= 4 ? min : 0);

/** Null unless the adapter has subgroup matrices of a size and type that we use, in subgroups of one size. */
function matrixConfig({ features: offered, info, limits }: GPUAdapter, features: readonly GPUFeatureName[]) {
  if (!offered.has(SUBGROUP_MATRIX) || fixedSubgroupSize(info, features) === 0) return null;
  if (limits.maxComputeWorkgroupStorageSize < MATRIX_MEMORY) return null;
  const { subgroupMatrixConfigs = [] } = info as { subgroupMatrixConfigs?: readonly ListedMatrixConfig[] };
  return chooseMatrixConfig(subgroupMatrixConfigs, features.includes('shader-f16'));
}
