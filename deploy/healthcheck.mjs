// Exit code 0 when the dashboard in this container answers and reaches its database.
const { COFI_PORT = "5066", COFI_ACCESS_TOKEN } = process.env;
const headers = COFI_ACCESS_TOKEN ? { authorization: `Bearer ${COFI_ACCESS_TOKEN}` } : {};
try {
  const response = await fetch(`http://127.0.0.1:${COFI_PORT}/api/health`, { headers });
  console.log(await response.text());
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  console.log(error.cause?.message ?? error.message);
  process.exitCode = 1;
}
