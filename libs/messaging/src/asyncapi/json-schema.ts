/** The JSON Schema of a contract's data, read from its class-validator decorators. */
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage } from 'class-validator';
import type { DataClass } from '../contracts/validation.js';

/** The keywords that are made here; plain JSON. */
export interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly description?: string;
  /** Decorators that JSON Schema has no keyword for. */
  readonly 'x-validators'?: readonly string[];
}

/** What class-validator knows of one decorator on one property. */
interface Rule {
  readonly type: string;
  readonly name?: string | undefined;
  readonly propertyName: string;
  readonly constraints?: readonly unknown[] | undefined;
  readonly each: boolean;
}

type Keywords = (constraints: readonly unknown[]) => JsonSchema;

const nothing: Keywords = () => ({});

/** By the names of class-validator's own constants. */
const keywordsOf: Readonly<Record<string, Keywords>> = {
  isString: () => ({ type: 'string' }),
  isBoolean: () => ({ type: 'boolean' }),
  isNumber: () => ({ type: 'number' }),
  isInt: () => ({ type: 'integer' }),
  isObject: () => ({ type: 'object' }),
  isArray: () => ({ type: 'array' }),
  isPositive: () => ({ exclusiveMinimum: 0 }),
  min: ([minimum]) => ({ minimum: Number(minimum) }),
  max: ([maximum]) => ({ maximum: Number(maximum) }),
  minLength: ([minLength]) => ({ minLength: Number(minLength) }),
  maxLength: ([maxLength]) => ({ maxLength: Number(maxLength) }),
  isLength: ([minLength, maxLength]) => ({
    minLength: Number(minLength),
    ...(maxLength !== undefined && { maxLength: Number(maxLength) }),
  }),
  matches: ([pattern]) => ({ type: 'string', pattern: pattern instanceof RegExp ? pattern.source : String(pattern) }),
  isIn: ([values]) => ({ enum: values as unknown[] }),
  isEnum: ([values]) => ({ enum: Object.values(values as object) as unknown[] }),
  equals: ([value]) => ({ const: value }),
  isEmail: () => ({ type: 'string', format: 'email' }),
  isUuid: () => ({ type: 'string', format: 'uuid' }),
  isUrl: () => ({ type: 'string', format: 'uri' }),
  isIso8601: () => ({ type: 'string', format: 'date-time' }),
  isDateString: () => ({ type: 'string', format: 'date-time' }),
  arrayNotEmpty: () => ({ minItems: 1 }),
  arrayMinSize: ([minItems]) => ({ minItems: Number(minItems) }),
  arrayMaxSize: ([maxItems]) => ({ maxItems: Number(maxItems) }),
  isDefined: nothing,
};

export function jsonSchema(dataClass: DataClass): JsonSchema {
  const rules = getMetadataStorage().getTargetValidationMetadatas(dataClass, '', false, false) as readonly Rule[];
  const names = [...new Set(rules.map(({ propertyName }) => propertyName))].sort();
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const name of names) {
    const own = rules.filter(({ propertyName }) => propertyName === name);
    properties[name] = propertySchema(dataClass, name, own);
    if (!own.some(({ type }) => type === 'conditionalValidation')) required.push(name);
  }
  return { type: 'object', properties, required, additionalProperties: false };
}

function propertySchema(dataClass: DataClass, name: string, rules: readonly Rule[]): JsonSchema {
  const whole = merge(rules.filter(({ each }) => !each));
  const items = merge(rules.filter(({ each }) => each));
  const nested = rules.some(({ type }) => type === 'nestedValidation') ? nestedClass(dataClass, name) : undefined;
  const isArray = whole.type === 'array' || rules.some(({ each }) => each);
  if (!isArray) return nested ? { ...whole, ...jsonSchema(nested) } : whole;
  return { ...whole, type: 'array', items: nested ? { ...items, ...jsonSchema(nested) } : items };
}

function merge(rules: readonly Rule[]): JsonSchema {
  let schema: JsonSchema = {};
  const unknown: string[] = [];
  for (const { type, name, constraints } of rules) {
    if (type !== 'customValidation' || name === undefined) continue;
    const keywords = keywordsOf[name];
    if (keywords) schema = { ...schema, ...keywords(constraints ?? []) };
    else if (name !== 'isNotEmpty') unknown.push(name);
  }
  // For a text, "not empty" is a length; for anything else, "required" says it.
  if (schema.type === 'string' && schema.minLength === undefined && rules.some(({ name }) => name === 'isNotEmpty'))
    schema = { ...schema, minLength: 1 };
  return unknown.length > 0 ? { ...schema, 'x-validators': unknown.sort() } : schema;
}

/** The class of a nested object: class-transformer is asked to make one, so that its `@Type` is all that counts. */
function nestedClass(dataClass: DataClass, property: string): DataClass | undefined {
  const instance = plainToInstance(dataClass, { [property]: [{}] }) as Record<string, unknown>;
  const [item] = (instance[property] ?? []) as unknown[];
  const found = (item as object | undefined)?.constructor;
  return found === undefined || found === Object ? undefined : (found as DataClass);
}
