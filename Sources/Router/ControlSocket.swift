internal import Glibc

/// A Unix socket by which commands of this machine speak to a router: one line asks, one line answers,
/// then the connection ends. Only whoever owns the folder can reach it.
package struct ControlSocket: ~Copyable {
    let file: Int32
    private let folder: String

    static let name = "router.sock"
    /// Bytes of a line at most.
    static let lineLimit = 4_096

    /// Listens in that folder. A socket that a router left which was killed is replaced.
    package init(in folder: String) throws(RouterError) {
        self.folder = folder
        unlink("\(folder)/\(Self.name)")
        let file = try Self.open()
        // One that asked and went away again must not keep the router waiting.
        _ = fcntl(file, F_SETFL, O_NONBLOCK)
        guard (try Self.withAddress(in: folder) { Glibc.bind(file, $0, $1) }) == 0, chmod("\(folder)/\(Self.name)", 0o600) == 0,
            listen(file, 16) == 0
        else {
            let error = RouterError.system("listen at", "\(folder)/\(Self.name)")
            close(file)
            throw error
        }
        self.file = file
    }

    deinit {
        close(file)
        unlink("\(folder)/\(Self.name)")
    }

    /// One that asks. It has not said anything yet, and the router must not wait for that.
    borrowing func acceptClient() -> Int32? {
        let client = accept(file, nil, nil)
        return client >= 0 ? client : nil
    }

    /// Answers a client that has spoken, and ends the connection. A request comes in one piece, or is none.
    static func serve(_ client: Int32, _ answer: (String) -> String) {
        defer { close(client) }
        var bytes = [UInt8](repeating: 0, count: lineLimit)
        let count = recv(client, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        guard count > 0, bytes[count - 1] == 10 else { return }
        send(answer(String(decoding: bytes.prefix(count - 1), as: UTF8.self)) + "\n", to: client)
    }

    /// Asks the router of that folder; throws where there is none, or no answer within ten seconds.
    package static func ask(_ line: String, in folder: String) throws(RouterError) -> String {
        let file = try open()
        defer { close(file) }
        limit(file, timeval(tv_sec: 10, tv_usec: 0))
        guard (try withAddress(in: folder) { connect(file, $0, $1) }) == 0 else { throw .system("reach", "the router of \(folder)") }
        send(line + "\n", to: file)
        guard let answer = Self.line(file) else { throw RouterError("ask", "the router of \(folder)", "there was no answer") }
        return answer
    }

    private static func open() throws(RouterError) -> Int32 {
        let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { throw .system("make", "a socket") }
        return file
    }

    /// Addresses have 107 bytes at most, folders may be longer: it is named by a descriptor of the folder.
    private static func withAddress(in folder: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) throws(RouterError) -> Int32 {
        let place = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard place >= 0 else { throw .system("open", folder) }
        defer { close(place) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array("/proc/self/fd/\(place)/\(name)".utf8)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }

    private static func limit(_ file: Int32, _ time: timeval) {
        var time = time
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] { setsockopt(file, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size)) }
    }

    private static func line(_ file: Int32) -> String? {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 512)
        while bytes.count < lineLimit {
            let count = read(file, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            bytes += piece.prefix(count)
            if let end = bytes.firstIndex(of: 10) { return String(decoding: bytes[..<end], as: UTF8.self) }
        }
        return nil
    }

    private static func send(_ text: String, to file: Int32) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.send(file, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            done += count
        }
    }
}
