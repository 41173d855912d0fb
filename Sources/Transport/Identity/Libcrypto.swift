internal import COpenSSL

/// The few moves that every use of libcrypto needs: its error text, and PEM in and out of memory.
enum Libcrypto {
    /// The newest error of this thread's queue, which is emptied.
    static func failure(_ operation: String, _ object: String, advice: String = "") -> TransportError {
        var last: UInt = 0
        while true {
            let code = ERR_get_error()
            if code == 0 { break }
            last = code
        }
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(last, &text, text.count)
        let cause =
            last == 0 ? "libcrypto gave no reason" : String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return TransportError(.cryptography, operation, object, cause: cause, advice: advice)
    }

    /// What `body` writes to a memory BIO.
    static func collect(_ operation: String, _ body: (OpaquePointer) -> Int32) throws(TransportError) -> [UInt8] {
        guard let bio = BIO_new(BIO_s_mem()) else { throw failure(operation, "memory buffer") }
        defer { BIO_free(bio) }
        guard body(bio) == 1 else { throw failure(operation, "PEM") }
        var out: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = BIO_read(bio, &piece, Int32(piece.count))
            guard count > 0 else { break }
            out.append(contentsOf: piece[..<Int(count)])
        }
        return out
    }

    /// Reads one object from PEM bytes; nil where there is none.
    static func parse(_ pem: [UInt8], _ body: (OpaquePointer) -> OpaquePointer?) -> OpaquePointer? {
        pem.withUnsafeBytes { bytes in
            guard let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else { return nil }
            defer { BIO_free(bio) }
            return body(bio)
        }
    }
}
