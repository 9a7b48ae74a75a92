/**
 * Objects within a contract's data. class-validator's `ValidateNested` alone lets a missing object, an empty array in
 * place of an object, and `null` among the items pass; these do not.
 */
import { Type } from 'class-transformer';
import { ArrayNotEmpty, IsArray, IsObject, ValidateNested } from 'class-validator';

const all =
  (...decorators: readonly PropertyDecorator[]): PropertyDecorator =>
  (target, property) => {
    for (const decorate of decorators) decorate(target, property);
  };

/** The property is an object of the class. */
export const Nested = (type: () => new () => object): PropertyDecorator =>
  all(IsObject(), ValidateNested(), Type(type));

/** The property is an array of objects of the class, with at least one. */
export const NestedArray = (type: () => new () => object): PropertyDecorator =>
  all(IsArray(), ArrayNotEmpty(), IsObject({ each: true }), ValidateNested({ each: true }), Type(type));
