package import Filesystem

/// The JSON of an error, the same for every route:
/// `{"error": {"code": "not_found", "operation": "stat", "object": "/a", "cause": "…", "hint": "…"}}`.
extension FileFailure: JSONEncodable {
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("error")
            writer.object {
                $0.field("code", code.word)
                $0.field("operation", operation)
                $0.field("object", object)
                $0.field("cause", cause)
                $0.field("hint", hint)
            }
        }
    }

    /// Nil where the JSON is no error of this API.
    package init?(json: JSON) {
        guard let error = json["error"], let word = error["code"]?.text, let operation = error["operation"]?.text,
            let object = error["object"]?.text, let cause = error["cause"]?.text
        else { return nil }
        let code = Code.allCases.first { $0.word == word } ?? .ioError
        self.init(code, operation: operation, object: object, cause: cause, hint: error["hint"]?.text ?? "")
    }

    /// The HTTP status of a failure of this code.
    package var httpStatus: Int {
        switch code {
        case .invalid, .nameTooLong, .outOfRange: 400
        case .notPermitted, .permissionDenied, .readOnly: 403
        case .notFound, .badHandle, .noData, .noSuchPlace: 404
        case .exists, .busy, .conflict, .crossDevice, .isDirectory, .notDirectory, .notEmpty, .tooManyLinks, .tooManySymlinks, .wrongKind:
            409
        case .stale: 410
        case .tooLarge: 413
        case .wouldBlock: 423
        case .ioError, .corrupt: 500
        case .notSupported: 501
        case .unavailable, .overloaded: 503
        case .timedOut: 504
        case .noSpace, .quotaExceeded: 507
        }
    }
}
