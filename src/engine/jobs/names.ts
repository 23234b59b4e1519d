/** The engines that jobs can be written for, for whoever offers them. */
export { ENGINE_NAMES } from '../../jobs/engines.ts';
