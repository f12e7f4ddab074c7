// Exit code 0 when the dashboard in this container answers and reaches its database.
const { COFI_PORT = "5066", COFI_ACCESS_TOKEN } = process.env;
const headers = COFI_ACCESS_TOKEN ? { authorization: `Bearer ${COFI_ACCESS_TOKEN}` } : {};
try {
  const response = await fetch(`http://127.0.0.1:${COFI_PORT}/api/health`, { headers });
  console.log(await response.text());
  // Without a token nobody may ask: that the dashboard says so is all that can be known.
  process.exitCode = response.ok || (response.status === 401 && !COFI_ACCESS_TOKEN) ? 0 : 1;
} catch (error) {
  console.log(error.cause?.message ?? error.message);
  process.exitCode = 1;
}
