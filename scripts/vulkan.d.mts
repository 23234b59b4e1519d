export type AdapterName = 'auto' | 'default' | 'lavapipe' | 'swiftshader';
export function findLavapipe(): string | null;
export function findSwiftShader(): string | null;
export function hasLoader(): boolean;
export function vulkanEnvironment(wanted?: string): {
  adapter: string;
  environment: Record<string, string>;
  problem: string | null;
};
