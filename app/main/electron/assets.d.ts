declare module '*.png?inline' {
  /** The picture as a data URL. */
  const dataUrl: string;
  // oxlint-disable-next-line import/no-default-export -- the shape that the bundler gives to assets
  export default dataUrl;
}
