/** The site of the documents: `npm run site` builds it into site/.vitepress/dist. */
import { defineConfig } from 'vitepress'

export default defineConfig({
  title: 'Headrace',
  description: 'ClickHouse tables, current from HTTP APIs, unattended.',
  // A copy of docs/, since Vite finds its packages only above the pages.
  srcDir: 'pages',
  cleanUrls: true,
  // Links to files of the repository lead nowhere on the site; a test of the documents checks them.
  ignoreDeadLinks: [/^\.\/\.\.\//],
  markdown: { theme: { light: 'github-light', dark: 'github-dark' } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Sources', link: '/sources' },
      { text: 'Production', link: '/production' },
      { text: 'Operating', link: '/operating' },
      { text: 'How it works', link: '/ARCHITECTURE' },
    ],
    sidebar: [
      {
        text: 'Sources',
        items: [
          { text: 'Your first API in ten minutes', link: '/first-api' },
          { text: 'Sources', link: '/sources' },
          { text: 'From an API or OpenAPI', link: '/init' },
          { text: 'Recipes', link: '/recipes' },
          { text: 'Every field', link: '/declaration' },
          { text: 'Credentials', link: '/credentials' },
          { text: 'Bodies that are not JSON', link: '/decode' },
          { text: 'Export jobs', link: '/export-jobs' },
          { text: 'Proxies and TLS', link: '/network' },
        ],
      },
      {
        text: 'Production',
        items: [
          { text: 'Running in production', link: '/production' },
          { text: 'Kubernetes', link: '/kubernetes' },
          { text: 'The image', link: '/image' },
          { text: 'TLS and logins', link: '/secured-clusters' },
          { text: 'Rights on Kafka', link: '/kafka-acls' },
          { text: 'Options', link: '/options' },
          { text: 'Upgrading', link: '/upgrading' },
          { text: 'Tables', link: '/clickhouse' },
          { text: 'Schedulers and dbt', link: '/schedulers' },
        ],
      },
      {
        text: 'Operating',
        items: [
          { text: 'Operating', link: '/operating' },
          { text: 'Metrics', link: '/metrics' },
          { text: 'Errors by code', link: '/errors' },
        ],
      },
      {
        text: 'How it works',
        items: [
          { text: 'Architecture', link: '/ARCHITECTURE' },
          { text: 'Formats', link: '/formats' },
          { text: 'Glossary', link: '/glossary' },
          { text: 'Performance', link: '/performance' },
          { text: 'Support and roadmap', link: '/support' },
        ],
      },
    ],
  },
})
