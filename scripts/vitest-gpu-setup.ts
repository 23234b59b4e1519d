/** Runs before each kernel test file, and so before `webgpu` is imported: Dawn finds the driver that the project names. */
import { vulkanEnvironment } from './vulkan.mjs';

const { environment, problem } = vulkanEnvironment();
if (problem !== null) throw new Error(`The kernel tests need a Vulkan driver for Node: ${problem}.`);
Object.assign(process.env, environment);
