/** What page and engine share of edits beyond their messages: texts with marks for pictures and boxes, and formats of rows. */
export { markedText } from '../../data/edits/marked-text.ts';
export { ROW_FILE_FORMATS, type RowFileFormat } from '../../data/row-file-formats.ts';
