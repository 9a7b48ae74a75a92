export { default } from '@annals/testing/jest-global-teardown';
