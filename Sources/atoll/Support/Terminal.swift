import Foundation
import Synchronization

/// Standard input, output and error.
enum Terminal {
    static let outputIsTerminal = isatty(STDOUT_FILENO) == 1
    static let errorIsTerminal = isatty(STDERR_FILENO) == 1
    static let inputIsTerminal = isatty(STDIN_FILENO) == 1

    private static let outputLock = Mutex(())

    /// Writes a line; a reader that has gone (`| head`) ends the program quietly.
    static func line(_ text: String) { write(Array((text + "\n").utf8)) }

    static func write(_ bytes: some Sequence<UInt8>) { outputLock.withLock { _ in writeAll(STDOUT_FILENO, Array(bytes)) } }

    static func error(_ text: String) { writeAll(STDERR_FILENO, Array((text + "\n").utf8)) }
    /// Without an end of line, for progress.
    static func errorPart(_ text: String) { writeAll(STDERR_FILENO, Array(text.utf8)) }

    private static func writeAll(_ file: Int32, _ bytes: [UInt8]) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Foundation.write(file, $0.baseAddress! + done, bytes.count - done) }
            if count > 0 {
                done += count
            } else if errno == EPIPE {
                Main.end(0)
            } else if errno != EINTR, errno != EAGAIN {
                Main.end(1)
            }
        }
    }

    /// Control characters as `\xNN`, so that a name can not steer the terminal.
    static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return text.unicodeScalars.map { isControl($0) ? escape($0) : String($0) }.joined()
    }

    /// A name of any bytes: what is not UTF-8 as `\xNN` too.
    static func escaped(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return escaped(text) }
        return bytes.map { (0x20..<0x7f).contains($0) ? String(UnicodeScalar($0)) : hexadecimal($0) }.joined()
    }

    /// Of a long path or name the beginning and the end, `limit` bytes in all.
    static func shortened(_ text: String, to limit: Int = 200) -> String {
        guard text.utf8.count > limit else { return text }
        func piece(_ characters: some Sequence<Character>, _ bytes: Int) -> [Character] {
            var left = bytes
            return characters.prefix { character in
                left -= character.utf8.count
                return left >= 0
            }
        }
        let head = piece(text, limit * 2 / 3)
        let tail = piece(text.reversed(), limit - limit * 2 / 3 - "…".utf8.count)
        return String(head) + "…" + String(tail.reversed())
    }

    private static func isControl(_ scalar: UnicodeScalar) -> Bool { scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value) }

    private static func escape(_ scalar: UnicodeScalar) -> String { hexadecimal(UInt8(truncatingIfNeeded: scalar.value)) }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return "\\x" + (digits.count < 2 ? "0" : "") + digits
    }

    /// Asks before something that can not be undone; without a terminal it refuses.
    static func confirm(_ question: String, yes: Bool, operation: String, object: String) throws {
        if yes { return }
        guard inputIsTerminal, errorIsTerminal else {
            throw CommandFailure.usage(operation, object, "it needs a confirmation and there is no terminal to ask", hint: "add --yes")
        }
        errorPart("\(escaped(question)) [y/N] ")
        let answer = readLine()?.lowercased() ?? ""
        guard answer == "y" || answer == "yes" else { throw CommandFailure(operation, object, "not confirmed; nothing was changed") }
    }
}
