// npm `ws` as a broadcaster: what one client says, every client gets.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 }, () => {
  console.log(`ws is at 127.0.0.1:${server.address().port}`);
});

server.on("connection", (socket) => {
  // A client that goes away is no error of the bench.
  socket.on("error", () => {});
  socket.on("message", (data) => {
    for (const client of server.clients) {
      if (client.readyState === client.OPEN) client.send(data, { binary: false });
    }
  });
});
