import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChatTemplate, findTemplate } from '../../src/text/chat-template.ts';
import { Tokenizer, type TokenizerConfig } from '../../src/text/tokenizer.ts';

const json = (path: string): unknown => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined);

/** Tokenizer and template of a checkpoint folder. */
export function checkpointText(folder: string) {
  const tokenizerConfig = (json(join(folder, 'tokenizer_config.json')) ?? {}) as TokenizerConfig;
  const jinja = join(folder, 'chat_template.jinja');
  const template = findTemplate({
    ...(existsSync(jinja) ? { jinja: readFileSync(jinja, 'utf8') } : {}),
    json: json(join(folder, 'chat_template.json')),
    tokenizerConfig,
  });
  return {
    tokenizer: new Tokenizer(json(join(folder, 'tokenizer.json')) as object, tokenizerConfig),
    template: new ChatTemplate(template),
  };
}
