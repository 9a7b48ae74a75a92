/**
 * Customers see and cancel their own orders, operators and other services all. Whoever names another's order is answered
 * as if it were not there (404), so that nothing is learned about it; whoever names another customer is refused (403).
 */
import { AccessDenied, hasRole, operatorRole, serviceRole, type Principal } from '@annals/nestjs';
import { BadRequestException } from '@nestjs/common';

/** May order; the token's subject is the customer's id. */
export const customerRole = 'customer';

/** The customer that the caller is; undefined for those who may see and cancel all orders. */
export const customerOf = (caller: Principal): string | undefined =>
  hasRole(caller, operatorRole, serviceRole) ? undefined : caller.subject;

/** Whose orders a list shows. @throws AccessDenied */
export function customerFilter(caller: Principal, wanted: string | undefined): { customerId?: string } {
  const own = customerOf(caller);
  if (own !== undefined && wanted !== undefined && wanted !== own) throw otherCustomer();
  const customerId = own ?? wanted;
  return customerId === undefined ? {} : { customerId };
}

/** For whom an order is placed. @throws AccessDenied; BadRequestException when an operator does not say */
export function orderingCustomer(caller: Principal, named: string | undefined): string {
  const { customerId } = customerFilter(caller, named);
  if (customerId === undefined)
    throw new BadRequestException(['customerId must be given by those who are no customer']);
  return customerId;
}

const otherCustomer = () => new AccessDenied('the role operator (it is about another customer)');
