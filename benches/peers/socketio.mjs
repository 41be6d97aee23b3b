// Socket.IO with one room: what one client says, every client in the room gets.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], serveClient: false });

io.on("connection", (socket) => {
  socket.on("join", (joined) => {
    socket.join("r");
    joined();
  });
  socket.on("message", (message) => io.to("r").emit("message", message));
});

http.listen(0, "127.0.0.1", () => console.log(`socket.io is at 127.0.0.1:${http.address().port}`));
