export { hasTool, requireThat, requireTool } from './tools.ts';
