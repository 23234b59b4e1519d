/** What a job for TRL is written for: its settings are arguments of these versions. */
export const VERSIONS = {
  torch: '2.13.0',
  transformers: '5.18.0',
  trl: '1.13.0',
  peft: '0.21.0',
  accelerate: '1.15.0',
  datasets: '5.0.1',
  pillow: '12.3.0',
} as const;
