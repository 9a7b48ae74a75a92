export { CodedError, DomainError, isCodedError, type ErrorKind } from './coded-error.js';
