internal import APISchema
internal import Filesystem
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

extension HTTPField.Name {
    static let atollTimeout = Self(APIHeader.timeout)!
    static let atollCost = Self(APIHeader.cost)!
    static let atollEndOfFile = Self(APIHeader.endOfFile)!
    static let atollSnapshot = Self(APIHeader.snapshot)!
    static let atollDigest = Self(APIHeader.digest)!
    static let atollModified = Self(APIHeader.modified)!
    static let atollPermissions = Self(APIHeader.permissions)!
}

extension Response {
    static func json(status: HTTPResponse.Status = .ok, _ body: (inout JSONWriter) -> Void) -> Response {
        var writer = JSONWriter()
        body(&writer)
        return Response(
            status: status, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: ByteBuffer(bytes: writer.bytes)))
    }

    static func json(status: HTTPResponse.Status = .ok, _ value: some JSONEncodable) -> Response {
        json(status: status) { value.write(to: &$0) }
    }

    static func failure(_ failure: FileFailure, status: Int? = nil) -> Response {
        var response = Response.json(status: .init(code: status ?? failure.httpStatus), failure)
        if failure.code.isRetryable { response.headers[.retryAfter] = "1" }
        return response
    }

    static func text(_ text: String, type: String = "text/plain; charset=utf-8") -> Response {
        Response(status: .ok, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
