from twisted.application.service import ServiceMaker

runwisp = ServiceMaker("RunWisp", "runwisp.service", "Runs tasks and keeps services alive.", "runwisp")
